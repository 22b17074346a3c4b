// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tl/expected.hpp>

#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>

namespace pmend {

// What went wrong where the kernel gave no errno. Where it gave one, the error carries that instead.
enum class Errc {
  kInvalid = 1,  // the input is malformed or breaks a rule
  kNotFound,     // what was asked for is not there
  kUnsupported,  // this file system, device or kernel cannot do it
  kIncomplete,   // the answer was cut short and must not be used as if it were whole
  kStale,        // the thing changed since it was looked at
  kRefused,      // a guard forbids it
  kTimedOut,     // no answer within the limit
  kGone,         // the peer or device went away
  kCorrupt,      // stored data fails its own checks
  kInternal,     // a broken invariant of pmend itself
};

const std::error_category& pmend_category();
std::error_code make_error_code(Errc code);

// An error: a code to decide by and a text to read. The text grows from the innermost place outwards by wrap().
struct [[nodiscard]] Error {
  std::error_code code;
  std::string what;  // what was being done, e.g. "open /dev/loop3"

  // "open /dev/loop3: No such file or directory"
  std::string message() const;
  bool is(Errc errc) const { return code == make_error_code(errc); }
  // True for an error of the system category with this errno.
  bool is_errno(int number) const { return code == std::error_code(number, std::system_category()); }
};

template <class T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

// An error of our own.
tl::unexpected<Error> fail(Errc code, std::string what);

// The error of the system call that has just failed. `what` names the call and its object.
tl::unexpected<Error> fail_errno(std::string what, int number = errno);

// The same error seen from one level further out: "context: what".
tl::unexpected<Error> wrap(Error error, std::string_view context);

}  // namespace pmend

template <>
struct std::is_error_code_enum<pmend::Errc> : std::true_type {};
