// SPDX-License-Identifier: Apache-2.0
#include "ctl/console.hpp"

#include "ctl/text.hpp"
#include "pmend/model/json_text.hpp"

#include <ostream>
#include <utility>

namespace pmend::ctl {

int tell(const Console& console, const Problem& problem) {
  console.err << "pmendctl: " << safe_line(problem.text) << '\n';
  return problem.status;
}

void print_json(std::ostream& out, nlohmann::json object) {
  object.emplace("version", 1);
  out << to_json_text(object) << '\n';
}

}  // namespace pmend::ctl
