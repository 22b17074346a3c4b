// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/model/observe_verbs.hpp"
#include "worker/setting.hpp"

// Questions about files rather than bytes. As those of answers.hpp they block and are asked in a child.
namespace pmend::worker {

// Of more processes than kMostOpeners that have a file open only the first are told. Errors: as find_context();
// kNotFound if no such file system is mounted from the device.
inline constexpr std::size_t kMostOpeners = 400;
Result<protocol::OpenersReply> openers(const Setting& setting, const protocol::OpenersRequest& request);

// Errors: as find_context(); those of a file system that cannot be opened are told with the answer.
Result<protocol::FilesReply> files(const Setting& setting, const protocol::FilesRequest& request);

}  // namespace pmend::worker
