// SPDX-License-Identifier: Apache-2.0
#include "cli/version.hpp"

namespace pmend::cli {

std::string_view version() {
  return PMEND_VERSION;
}

}  // namespace pmend::cli
