// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <sdbus-c++/Message.h>
#include <sdbus-c++/TypeTraits.h>

#include <string>
#include <vector>

namespace pmend::bus {

// A dictionary on the bus (a{sv}) as the JSON object that pmendctl prints. It is written to and read from messages in
// one pass. The rules, which dbus/org.pmend1.Manager.xml tells callers:
//
//   JSON                            bus
//   object                          a{sv}
//   {"text": …, "bytes_base64": …}  ay, the bytes of a file name (see model/file_path.hpp)
//   string                          s; one that is not UTF-8 or holds a NUL byte is escaped
//   integer                         t, negative ones x
//   other number                    d
//   boolean                         b
//   array                           as, at, aay, aa{sv} where all elements are of that kind, else av, also if empty
//   null                            left out, also of arrays; see complete.hpp for the way back
//
// What comes from the bus may be of any other type that has a place in JSON (y, n, q, i, u, o, g, arrays of anything).
// Errors when reading: sdbus::Error org.pmend1.Error.Invalid for what has none (structures, descriptors, dictionaries
// with other keys). Errors when writing: sdbus::Error of the bus library for what is too large or nested too deep.
struct Dict {
  nlohmann::json json = nlohmann::json::object();

  Dict() = default;
  // Anything but an object is an empty dictionary: what is null in JSON where the bus has a fixed type.
  explicit Dict(nlohmann::json value);
};

// A text as the bus takes it: escaped where it is not UTF-8 or holds a NUL byte.
std::string bus_text(const std::string& text);
std::vector<std::string> bus_texts(const std::vector<std::string>& texts);

sdbus::Message& operator<<(sdbus::Message& message, const Dict& dict);
sdbus::Message& operator>>(sdbus::Message& message, Dict& dict);

}  // namespace pmend::bus

template <>
struct sdbus::signature_of<pmend::bus::Dict> {
  static constexpr bool is_valid = true;
  static const std::string str() { return "a{sv}"; }
};
