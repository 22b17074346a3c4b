// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/engine/core.hpp"

// Devices and their lists of bad sectors come and go; incidents are made of what is listed.
namespace pmend::engine {

void on(Core& core, const DeviceFound& input);
void on(Core& core, const DeviceGone& input);
void on(Core& core, const MediaErrors& input);
void on(Core& core, const Gap& input);
void on(Core& core, const MountsChanged& input);

// The device is there and the ledger is loaded: its incidents are looked at.
void on_present(Core& core, Device& device);

// Compares the lists of a device with its incidents: new ones are made, open ones grow, and those that are missing from
// a complete list are looked at again. An error in the same or an adjoining repair unit of an open incident belongs to
// that incident until an observation names another owner.
void correlate(Core& core, Device& device);

// Wants a fresh list of this device.
void want_list(Device& device);
// Wants fresh lists of all devices, and a look at what nobody could name or reach.
void rescan(Core& core);
// The observing worker is gone: no question has an answer any more, and no list is known to be complete.
void lose_observer(Core& core);
// A List has no answer.
void list_failed(Core& core, Device& device);
// Asks for the lists that are wanted.
void ask_lists(Core& core);

}  // namespace pmend::engine
