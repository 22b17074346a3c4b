// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/log.hpp"
#include "pmend/engine/case.hpp"

#include <optional>
#include <string_view>

// What the journal is told of incidents: one message, with its own MESSAGE_ID, per state that somebody may want to know
// of. The states that an incident only passes through have none.
namespace pmend::engine {

inline constexpr std::string_view kLedgerFailedMessageId = "4792453846ba422d9557e14bfc4cd899";
inline constexpr std::string_view kStormMessageId = "c268e2e2ac510cee7d4fe649cc64eee6";
inline constexpr std::string_view kStormEndedMessageId = "38429de1b253edaa934328792c6ab487";

std::optional<log::Record> message_of(const Case& what);

}  // namespace pmend::engine
