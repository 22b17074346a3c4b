// SPDX-License-Identifier: Apache-2.0
#include "pmend/policy/facts.hpp"

namespace pmend {

PolicyFacts facts_of(const Incident& incident) {
  PolicyFacts facts;
  facts.device = incident.device;
  facts.owners = incident.owners;
  facts.sources = incident.sources;
  if (incident.plan) {
    facts.bytes_bad = incident.plan->bytes_bad;
    facts.bytes_lost = incident.plan->bytes_lost;
    facts.plan_methods = {incident.plan->method};
  }
  return facts;
}

}  // namespace pmend
