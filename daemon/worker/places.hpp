// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/unique_fd.hpp"
#include "pmend/block/block_context.hpp"
#include "pmend/model/protocol.hpp"
#include "pmend/repair/place.hpp"
#include "worker/setting.hpp"

#include <string>
#include <vector>

// Puts together what planning and repairing need to know of the place where it happens: device, list, mounted file
// system, users. Everything is found anew; a device counts only if it has the id that was asked for.
namespace pmend::worker {

// Errors: as read_block_context(); kStale if the node is another device now.
Result<block::BlockContext> find_context(const Setting& setting, const std::string& device,
                                         const std::string& device_id);

// What the file system of a file or directory lies on. Errors: the errno; kInvalid for a block device; kUnsupported
// where it lies on none.
Result<block::BlockContext> context_of_file(const Setting& setting, const std::string& path);

// The mounted file system that holds the first byte of the first of some ranges, with its descriptors open. Setting and
// context outlive it.
struct OpenPlace {
  UniqueFd device;
  UniqueFd mount;
  repair::Place place;  // borrows the descriptors
};

// `device_ranges`, at least one, are what the work is about: where the list is pmend's own, what it has of their pages
// is read anew each time the place is asked for its list. Errors: the errno of opening; kNotFound where no mounted file
// system lies there or the device has no list.
Result<OpenPlace> open_place(const Setting& setting, const block::BlockContext& context,
                             const std::vector<ByteRange>& device_ranges);

// Only what direct reads of the device need. Errors: the errno.
Result<OpenPlace> open_device(const block::BlockContext& context);

// A worker's error for an Error: which side has to do something about it.
protocol::ReplyError reply_error(const Error& error);

}  // namespace pmend::worker
