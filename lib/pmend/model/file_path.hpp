// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/model/json.hpp"

#include <compare>
#include <string>

namespace pmend {

// A file name as the kernel has it: any bytes but NUL. JSON: {"text": escaped for people, "bytes_base64": the bytes},
// the latter only where the text is not the bytes.
struct FilePath {
  std::string bytes;

  friend auto operator<=>(const FilePath&, const FilePath&) = default;
};

Json to_json(const FilePath& path);
// Problems: empty, a NUL byte, not base64, text and bytes that disagree.
void read_json(const JsonReader& in, FilePath& path);

}  // namespace pmend
