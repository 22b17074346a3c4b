// SPDX-License-Identifier: Apache-2.0
#include "pmend/model/endangered_file.hpp"

#include "pmend/model/json_fields.hpp"

namespace pmend {

template <class Fields, ConstOr<EndangeredFile> T>
void describe(Fields& field, T& file) {
  field("filesystem", file.filesystem);
  field("inode", file.inode);
  field("generation", file.generation);
  field("paths", file.paths);
  field("incidents", file.incidents);
}
Json to_json(const EndangeredFile& file) {
  return write_fields(file);
}
void read_json(const JsonReader& in, EndangeredFile& file) {
  read_fields(in, file);
}

}  // namespace pmend
