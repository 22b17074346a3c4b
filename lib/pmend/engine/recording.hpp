// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/engine/core.hpp"

// What is remembered, and what waits for it. Whatever people or workers are told has been durable before.
namespace pmend::engine {

void on(Core& core, const Recorded& input);
void on(Core& core, const RecordFailed& input);

// Makes one record of all that this input changed, with what has to wait for it. Without a ledger that works nothing is
// recorded any more and what people are told is told at once.
void flush(Core& core);

}  // namespace pmend::engine
