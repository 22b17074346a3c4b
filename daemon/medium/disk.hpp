// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "medium/decision.hpp"
#include "medium/list_edit.hpp"
#include "medium/range_lock.hpp"
#include "medium/state_file.hpp"
#include "medium/trace.hpp"

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pmend::medium {

struct Image {
  UniqueFd file;
  std::uint64_t bytes = 0;  // whole sectors
};

// Opens the image, or makes it sparse with `bytes` rounded up to whole sectors. Errors: kInvalid if it is missing and
// no size is given, if its size is another one or not whole sectors, if it is no regular file; else the errno.
Result<Image> open_image(const std::string& path, std::optional<std::uint64_t> bytes);

struct DiskEvents {
  std::function<void()> list_changed;              // the bad block list is another one, and the mode is not silent
  std::function<void(SteadyTime)> return_pending;  // the next return moved: call Disk::bring_back_due() then
};

// A disk image with bad sectors: decides what becomes of a request and does it. Knows no FUSE, no waiting and no time
// but the clock it is given. Thread-safe.
//
// Order of one changing request, with its sectors claimed from the first to the last step: decide, record in the trace,
// store the new list (poison gone), change the image. That is the order of pmem_recovery_write() in the kernel, so a
// crash before the last step leaves sectors that read as garbage without an error, as on real hardware.
class Disk {
 public:
  struct Setup {
    Image image;
    State state;
    const StateDirectory& directory;
    TraceWriter& trace;
    const Clock& clock;
    DiskEvents events;
  };

  explicit Disk(Setup setup) : setup_(std::move(setup)), state_(std::move(setup_.state)) {}

  // `request.range` is on the disk. Blocks for file I/O and for earlier requests that overlap, never longer.
  Reply execute(const Request& request);
  // Records that the request ended with EIO without being looked at, and gives that reply.
  Reply refuse(const Request& request);

  // All edits or none. Poisoned sectors are overwritten if the mode says so. Errors: of saving; kept as it was then.
  Status edit(const std::vector<ListEdit>& edits);
  // Errors: kInvalid for text that is no mode; of saving.
  Status set_mode(std::string_view words);
  // Poisons again what is due. Errors: of saving; it stays due.
  Status bring_back_due();

  Mode mode() const;
  std::uint64_t bytes() const { return setup_.image.bytes; }
  std::optional<SteadyTime> next_return() const;
  std::string badblocks_text() const;
  std::string poison_text() const;

 private:
  Reply read(const Decision& decision);
  Reply change(const Request& request, const Decision& decision);
  Status apply(const Request& request, const std::vector<ByteRange>& parts);
  Status update_list(const Decision& decision);
  Status record(const Request& request, std::uint16_t flags, int error);
  Status scramble(const std::vector<ByteRange>& ranges);
  // Edits a copy of the state, saves it, then takes it over and tells the listeners.
  Status update(const std::function<void(State&)>& edit);

  Setup setup_;  // not changed after construction
  RangeLock sectors_;
  mutable std::mutex mutex_;  // guards state_; taken after sectors_; never held during image I/O
  State state_;
};

}  // namespace pmend::medium
