// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/nvdimm/topology.hpp"

#include <cstdint>
#include <string>

namespace pmend::nvdimm {

// Of a kernel: 5.19 is {5, 19}.
struct KernelVersion {
  std::uint64_t major_number = 0;
  std::uint64_t minor_number = 0;

  friend auto operator<=>(const KernelVersion&, const KernelVersion&) = default;
};

// "6.12.117+deb12-amd64". Errors: kInvalid.
Result<KernelVersion> parse_kernel_version(const std::string& release);
// Of the kernel that runs (uname(2)).
Result<KernelVersion> running_kernel();

// Does a write to a bad place of the namespace's device make it good? Nothing is tried out: the answer comes from what
// the bus says it can do and from what its driver does then (nvdimm_clear_poison() in drivers/nvdimm/bus.c, and the
// probe functions of the drivers, Linux 6.12). kYes also where the driver only pretends to ask: the data is stored and
// the entry leaves the list. kUnknown is for buses nobody has looked at.
// Before Linux 5.19 a write to a DAX file could not reach a bad page (pmem_recovery_write()).
protocol::Clearing clearing(const NamespacePlace& place, const KernelVersion& kernel);

}  // namespace pmend::nvdimm
