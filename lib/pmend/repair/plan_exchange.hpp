// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/repair/planner.hpp"

#include <optional>
#include <string>
#include <vector>

// The plan for what the methods in the file cannot do (methods/exchange.hpp): files in use, last blocks, shared
// extents, pages that the cache has only in part. Looking and deciding are apart, as in planner.hpp.
namespace pmend::repair {

// One page of data with a bad sector of the incident, and everybody who has it.
struct SharedPage {
  Piece piece;                 // all of the page, of the first file
  std::vector<bool> readable;  // one entry per sector, read directly
  CacheState cache = CacheState::kAbsent;
  std::uint64_t slack = 0;        // how much of it, at its end, lies behind the end of every file
  std::vector<Mapping> owners;    // of the page as a whole
  bool cached_by_others = false;  // the page cache has it for another file than the first
};

struct ExchangeFacts {
  std::string boot_id;
  BadList list;
  std::vector<SharedPage> pages;  // at least one
};

// Place and files must have passed their gates.
protocol::PlanReply make_exchange_plan(const Place& place, const ExchangeFacts& facts);

// Looks and plans where the request allows the method and the file system has it; else nothing. `in_file` says why the
// file cannot be repaired in place, and stays part of a refusal.
std::optional<protocol::PlanReply> plan_exchange(const Place& place, const protocol::PlanRequest& request,
                                                 const PlanRefusal& in_file);

}  // namespace pmend::repair
