// SPDX-License-Identifier: Apache-2.0
#include "pmend/base/error.hpp"

#include <utility>

namespace pmend {
namespace {

class Category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "pmend"; }

  std::string message(int value) const override {
    switch (static_cast<Errc>(value)) {
      case Errc::kInvalid:
        return "invalid";
      case Errc::kNotFound:
        return "not found";
      case Errc::kUnsupported:
        return "not supported";
      case Errc::kIncomplete:
        return "incomplete";
      case Errc::kStale:
        return "changed meanwhile";
      case Errc::kRefused:
        return "refused";
      case Errc::kTimedOut:
        return "timed out";
      case Errc::kGone:
        return "gone";
      case Errc::kCorrupt:
        return "corrupt";
      case Errc::kInternal:
        return "internal error";
    }
    return "unknown error";
  }
};

}  // namespace

const std::error_category& pmend_category() {
  static const Category category;
  return category;
}

std::error_code make_error_code(Errc code) {
  return {static_cast<int>(code), pmend_category()};
}

std::string Error::message() const {
  return what.empty() ? code.message() : what + ": " + code.message();
}

tl::unexpected<Error> fail(Errc code, std::string what) {
  return tl::make_unexpected(Error{make_error_code(code), std::move(what)});
}

tl::unexpected<Error> fail_errno(std::string what, int number) {
  return tl::make_unexpected(Error{std::error_code(number, std::system_category()), std::move(what)});
}

tl::unexpected<Error> wrap(Error error, std::string_view context) {
  error.what = error.what.empty() ? std::string(context) : std::string(context) + ": " + error.what;
  return tl::make_unexpected(std::move(error));
}

}  // namespace pmend
