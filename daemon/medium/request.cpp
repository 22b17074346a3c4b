// SPDX-License-Identifier: Apache-2.0
#include "medium/request.hpp"

#include <utility>

namespace pmend::medium {

std::string_view to_string(Operation operation) {
  switch (operation) {
    case Operation::kRead:
      return "read";
    case Operation::kWrite:
      return "write";
    case Operation::kZero:
      return "zero";
    case Operation::kDiscard:
      return "discard";
  }
  return "unknown";
}

HeldRequest::HeldRequest(const Request& original, Completion completion)
    : bytes(original.data.begin(), original.data.end()),
      request{original.operation, original.range, bytes},
      done(std::move(completion)) {}

}  // namespace pmend::medium
