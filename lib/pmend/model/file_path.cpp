// SPDX-License-Identifier: Apache-2.0
#include "pmend/model/file_path.hpp"

#include "pmend/model/json_fields.hpp"

namespace pmend {

template <class Fields, ConstOr<FilePath> T>
void describe(Fields& field, T& path) {
  field.bytes("text", "bytes_base64", path.bytes);
  field.check([&](const JsonReader& in) {
    if (path.bytes.empty() || path.bytes.find('\0') != std::string::npos) {
      in.problem("is no file name: empty or with a NUL byte");
    }
  });
}

Json to_json(const FilePath& path) {
  return write_fields(path);
}
void read_json(const JsonReader& in, FilePath& path) {
  read_fields(in, path);
}

}  // namespace pmend
