// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/error.hpp"

#include <stdexcept>
#include <string>
#include <utility>

// Test support stops a test by an exception: a world that cannot be built has no result to report.
namespace pmend::world {

class Failure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The value, or a Failure with the error's text.
template <class T>
T must(Result<T> result) {
  if (!result) {
    throw Failure(result.error().message());
  }
  if constexpr (!std::is_void_v<T>) {
    return std::move(*result);
  }
}

// For system calls: throws Failure with the errno's text if `result` is negative.
template <class Integer>
Integer must_call(Integer result, const std::string& what) {
  if (result < 0) {
    throw Failure(fail_errno(what).value().message());
  }
  return result;
}

}  // namespace pmend::world
