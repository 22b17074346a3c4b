// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/model/document.hpp"
#include "pmend/policy/policy.hpp"

#include <tl/expected.hpp>

#include <string>
#include <vector>

// Policy files to a policy. Whatever is wrong anywhere, all of it is reported and there is no policy: the caller keeps
// the one it has, for half a policy is another one than was meant.
namespace pmend {

// A directory that holds files NN-name.json itself.
struct PolicyDirectory {
  std::string path;
  bool required = false;  // it is a problem if it does not exist
};

// /usr/lib/pmend/policy.d, /run/pmend/policy.d, /etc/pmend/policy.d: none of them has to exist.
std::vector<PolicyDirectory> default_policy_directories();

// Of files with the same name the one in the last directory counts; a link to /dev/null masks those before it. Rules
// are in order of file name, limits are last-wins per key. Leftovers of editors and package managers (hidden files,
// those ending in ~, .bak, .orig, .swp, .dpkg-* and so on) are skipped; any other file must be NN-name.json.
tl::expected<Policy, ConfigProblems> load_policy(const std::vector<PolicyDirectory>& directories);

// The same of texts, in their order.
tl::expected<Policy, ConfigProblems> parse_policy(const std::vector<SourceText>& sources);

}  // namespace pmend
