// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/unique_fd.hpp"
#include "pmend/block/block_context.hpp"
#include "pmend/model/protocol.hpp"
#include "pmend/repair/place.hpp"
#include "worker/setting.hpp"

#include <string>

// Puts together what planning and repairing need to know of the place where it happens: device, list, mounted file
// system, users. Everything is found anew; a device counts only if it has the id that was asked for.
namespace pmend::worker {

// Errors: as read_block_context(); kStale if the node is another device now.
Result<block::BlockContext> find_context(const Setting& setting, const std::string& device,
                                         const std::string& device_id);

// The mounted file system that holds the first byte of `device_range`, with its descriptors open. Setting and context
// outlive it.
struct OpenPlace {
  UniqueFd device;
  UniqueFd mount;
  repair::Place place;  // borrows the descriptors
};

// Errors: the errno of opening; kNotFound where no mounted file system lies there or the device has no list.
Result<OpenPlace> open_place(const Setting& setting, const block::BlockContext& context, const ByteRange& device_range);

// Only what direct reads of the device need. Errors: the errno.
Result<OpenPlace> open_device(const block::BlockContext& context);

// A worker's error for an Error: which side has to do something about it.
protocol::ReplyError reply_error(const Error& error);

}  // namespace pmend::worker
