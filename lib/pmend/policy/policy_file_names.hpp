// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/model/document.hpp"
#include "pmend/policy/load.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace pmend {

// NN-name.json: two digits, a hyphen, letters, digits, `-`, `_` and `.`.
bool is_policy_file_name(std::string_view name);

// What editors and package managers leave behind; nobody means it to be read.
bool is_leftover(std::string_view name);

// The paths of the files that count, in order of file name. Directories that cannot be read and files with other names
// are problems.
std::vector<std::string> policy_files(const std::vector<PolicyDirectory>& directories, ConfigProblems& problems);

}  // namespace pmend
