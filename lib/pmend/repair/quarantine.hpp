// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/unique_fd.hpp"
#include "pmend/model/plan.hpp"
#include "pmend/repair/place.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Where bad blocks are kept that a file was rid of by an exchange: a directory for root alone at the root of the
// mounted file system, in which each file (a donor) holds the block that it was exchanged for. As long as the file is
// there the file system gives the block to nobody. Donors are linked there before they hold anything, so that none can
// be lost.
namespace pmend::repair {

inline constexpr const char* kQuarantineName = ".pmend-quarantine";
// Every donor has it; for people it says what the block was. Only the superuser can set it.
inline constexpr const char* kQuarantineXattr = "trusted.pmend.quarantine";

// "inode-131-at-36864.job-12": unique among the donors of a job, and the key of its spool is behind the first dot.
std::string donor_name(const Mapping& mapping, std::string_view spool_key);
std::string_view spool_key_of(std::string_view donor_name);

class Quarantine {
 public:
  // Makes the directory if it is not there. Errors: kRefused if it is not root's alone; the errno.
  static Result<Quarantine> create(const Place& place);
  // Nothing where there is none. Errors: as create().
  static Result<std::optional<Quarantine>> open(const Place& place);

  // An empty file of this name, durable on return. Errors: the errno, EEXIST if there is one.
  Result<UniqueFd> create_donor(const std::string& name, const std::string& text) const;
  // Gives a donor another name and text: it is to be kept for what it holds. Durable on return. Errors: the errno.
  Status set_aside(const std::string& name, int donor, const std::string& new_name, const std::string& text) const;
  // For reading and writing; nothing where there is none. Errors: the errno.
  Result<std::optional<UniqueFd>> open_donor(const std::string& name) const;
  // Gives the donor's blocks back to the file system; no donor is no error. Errors: the errno.
  Status remove_donor(const std::string& name) const;
  // Takes the directory away if nothing is in it. Errors: the errno.
  Status remove_if_empty() const;
  // In no order. Errors: the errno.
  Result<std::vector<std::string>> donors() const;

  // For messages.
  std::string path_of(const std::string& name) const;

 private:
  Quarantine(const Place& place, UniqueFd directory) : place_(&place), directory_(std::move(directory)) {}
  // Says what a donor is, and makes that and its name durable.
  Status label(int donor, const std::string& text) const;
  static Result<Quarantine> check(const Place& place, UniqueFd directory);

  const Place* place_;
  UniqueFd directory_;
};

}  // namespace pmend::repair
