// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ctl/console.hpp"
#include "pmend/model/json_reader.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace pmend::ctl {

// Reads a value of the model out of an answer. Problem: pmend is of another version and says it in another way.
template <class T>
Asked<T> understand(const nlohmann::json& answer) {
  auto value = from_json<T>(answer);
  if (!value) {
    return tl::make_unexpected(
        Problem{kExitFailed, "cannot make sense of the answer of this pmend (try --json): " + value.error().what});
  }
  return std::move(*value);
}

}  // namespace pmend::ctl
