// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace pmend::cli {

// The version of the whole project, as CMakeLists.txt states it: "0.1.0".
std::string_view version();

}  // namespace pmend::cli
