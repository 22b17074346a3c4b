// SPDX-License-Identifier: Apache-2.0
#include "pmend/repair/outcome_from_errno.hpp"

#include <algorithm>
#include <array>

namespace pmend::repair {
namespace {

struct ErrnoRow {
  int number;
  Outcome outcome;
};

constexpr std::array kErrnoRows = {
    // Somebody or something else has it; nothing was changed.
    ErrnoRow{EAGAIN, Outcome::kBusyRetry},   // no lease to be had, or an open would have to break somebody else's
    ErrnoRow{EBUSY, Outcome::kBusyRetry},    // in use
    ErrnoRow{ETXTBSY, Outcome::kBusyRetry},  // a running program, or a swap file
    // Out of something; nothing was changed.
    ErrnoRow{ENOMEM, Outcome::kBusyRetry},
    ErrnoRow{EMFILE, Outcome::kBusyRetry},
    ErrnoRow{ENFILE, Outcome::kBusyRetry},
    ErrnoRow{ENOSPC, Outcome::kBusyRetry},
    ErrnoRow{EDQUOT, Outcome::kBusyRetry},
    // The target is not what it was.
    ErrnoRow{ESTALE, Outcome::kTargetChanged},  // no file with this inode and generation any more
    ErrnoRow{ENOENT, Outcome::kTargetChanged},
    ErrnoRow{ENODEV, Outcome::kTargetChanged},  // the device went away
    ErrnoRow{ENXIO, Outcome::kTargetChanged},   // the device went away, or ends before this place
    // Forbidden.
    ErrnoRow{EROFS, Outcome::kRefused},
    ErrnoRow{EPERM, Outcome::kRefused},   // immutable, append-only, or a missing capability
    ErrnoRow{EACCES, Outcome::kRefused},  // a security module
    // The kernel or file system has no such thing, or not here.
    ErrnoRow{EOPNOTSUPP, Outcome::kNotSupported},
    ErrnoRow{ENOSYS, Outcome::kNotSupported},
    ErrnoRow{ENOTTY, Outcome::kNotSupported},
    ErrnoRow{EINVAL, Outcome::kNotSupported},  // alignment that this device or file does not take
    // The medium said no, and will again.
    ErrnoRow{EIO, Outcome::kPermanentFailure},
    ErrnoRow{ENODATA, Outcome::kPermanentFailure},    // "critical medium error"
    ErrnoRow{EILSEQ, Outcome::kPermanentFailure},     // protection information does not fit
    ErrnoRow{EREMOTEIO, Outcome::kPermanentFailure},  // the target refused the command
    ErrnoRow{EFAULT, Outcome::kPermanentFailure},     // pmem: the poison could not be cleared
    ErrnoRow{EUCLEAN, Outcome::kPermanentFailure},    // the file system found itself corrupt
    // Cut off before it began.
    ErrnoRow{EINTR, Outcome::kInterrupted},
    // No answer: the write may have landed, or land later.
    ErrnoRow{ETIMEDOUT, Outcome::kIndeterminate},
};

Outcome outcome_of_own(Errc code) {
  switch (code) {
    case Errc::kStale:
    case Errc::kNotFound:
    case Errc::kGone:
      return Outcome::kTargetChanged;
    case Errc::kRefused:
      return Outcome::kRefused;
    case Errc::kUnsupported:
      return Outcome::kNotSupported;
    case Errc::kInvalid:
    case Errc::kIncomplete:
    case Errc::kTimedOut:
    case Errc::kCorrupt:
    case Errc::kInternal:
      return Outcome::kIndeterminate;
  }
  return Outcome::kIndeterminate;
}

}  // namespace

Outcome outcome_from_errno(int number) {
  const auto row =
      std::find_if(kErrnoRows.begin(), kErrnoRows.end(), [number](const ErrnoRow& r) { return r.number == number; });
  return row == kErrnoRows.end() ? Outcome::kIndeterminate : row->outcome;
}

Outcome outcome_of(const Error& error) {
  if (error.code.category() == std::system_category()) {
    return outcome_from_errno(error.code.value());
  }
  if (error.code.category() == pmend_category()) {
    return outcome_of_own(static_cast<Errc>(error.code.value()));
  }
  return Outcome::kIndeterminate;
}

Ending ending_of(const Error& error) {
  return {outcome_of(error), error.message()};
}

bool is_medium_error(int number) {
  constexpr std::array kMediumErrors = {EIO, ENODATA, EILSEQ, EREMOTEIO};
  return std::find(kMediumErrors.begin(), kMediumErrors.end(), number) != kMediumErrors.end();
}

}  // namespace pmend::repair
