# cmake -DXML2CPP=… -DXML=… -DADAPTOR=… -DPROXY=… -P generate.cmake
# Makes both C++ headers of one interface. Dictionaries become pmend::bus::Dict, which reads and writes JSON in one pass;
# the generator's own choice is a map of variants, each of which is a message of its own inside the bus library.
execute_process(COMMAND ${XML2CPP} ${XML} --adaptor=${ADAPTOR} --proxy=${PROXY} OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
foreach(header ${ADAPTOR} ${PROXY})
  file(READ ${header} text)
  string(REPLACE "std::map<std::string, sdbus::Variant>" "::pmend::bus::Dict" text "${text}")
  string(REPLACE "#include <sdbus-c++/sdbus-c++.h>" "#include <bus/dict.hpp>\n#include <sdbus-c++/sdbus-c++.h>" text "${text}")
  file(WRITE ${header} "${text}")
endforeach()
