// SPDX-License-Identifier: Apache-2.0
#include "builders.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

// Unknown facts, several names, several owners.
namespace pmend {
namespace {

struct UnknownFact {
  std::string when;  // true of no known value of facts_about(file_named("/srv/a")); see below
  std::function<void(PolicyFacts&)> forget;
};

// For each key: a condition, and how its fact gets lost.
std::vector<UnknownFact> unknown_facts() {
  return {
      {R"({"device": "/dev/pmem9"})", [](PolicyFacts& facts) { facts.device.clear(); }},
      {R"({"filesystem": {"type": "ext4"}})", [](PolicyFacts& facts) { facts.owners[0].filesystem.reset(); }},
      {R"({"filesystem": {"uuid": "x"}})", [](PolicyFacts& facts) { facts.owners[0].filesystem.reset(); }},
      {R"({"filesystem": {"label": "x"}})", [](PolicyFacts& facts) { facts.owners[0].filesystem.reset(); }},
      {R"({"mount_point": "/x"})", [](PolicyFacts& facts) { facts.owners[0].filesystem.reset(); }},
      {R"({"owner": "free"})", [](PolicyFacts& facts) { facts.owners[0].kind = OwnerKind::kUnknown; }},
      {R"({"path": "/x"})", [](PolicyFacts& facts) { facts.owners[0].paths.clear(); }},
      {R"({"path": "/x"})", [](PolicyFacts& facts) { facts.owners[0].all_names = false; }},
      {R"({"uid": 7})", [](PolicyFacts& facts) { facts.owners[0].attributes.reset(); }},
      {R"({"gid": 7})", [](PolicyFacts& facts) { facts.owners[0].attributes.reset(); }},
      {R"({"file_size": 7})", [](PolicyFacts& facts) { facts.owners[0].attributes.reset(); }},
      {R"({"bytes_bad": 7})", [](PolicyFacts& facts) { facts.bytes_bad.reset(); }},
      {R"({"bytes_lost": 7})", [](PolicyFacts& facts) { facts.bytes_lost.reset(); }},
      {R"({"shared": true})", [](PolicyFacts& facts) { facts.owners[0].kind = OwnerKind::kUnknown; }},
      {R"({"open_by": "x"})", [](PolicyFacts& facts) { facts.owners[0].open_by.reset(); }},
      {R"({"mapped": true})", [](PolicyFacts& facts) { facts.owners[0].open_by.reset(); }},
      {R"({"phantom": true})",
       [](PolicyFacts& facts) {
         facts.has_ars = true;
         facts.phantom.reset();
       }},
      {R"({"source": "x"})", [](PolicyFacts& facts) { facts.sources.clear(); }},
      {R"({"xattr": "trusted.x"})", [](PolicyFacts& facts) { facts.owners[0].xattrs.reset(); }},
      {R"({"time": {"days": "sun"}})", [](PolicyFacts& facts) { facts.local_time.reset(); }},
  };
}

TEST(PolicyUnknown, NeverSatisfiesRepairAndAlwaysSatisfiesHoldAndObserveAlsoInsideNotAndAny) {
  const std::vector<std::pair<std::string, std::string>> wrappings = {
      {"", ""},
      {R"({"not": )", "}"},
      {R"({"not": {"not": )", "}}"},
      {R"({"any": [)", "]}"},
      {R"({"any": [{"uid": 4242, "device": "/no"}, )", "]}"},  // unknown or no
      {R"({"not": {"any": [{"device": "/no"}, )", "]}}"},
      {R"({"not": {"device": ["/dev/pmem0", "/**"], "any": [)", "]}}"},
  };
  for (const auto& [when, forget] : unknown_facts()) {
    const PolicyFacts known = facts_about({file_named({"/srv/a"})});
    PolicyFacts unknown = known;
    forget(unknown);
    EXPECT_FALSE(matches(when, Action::kHold, known)) << when;
    EXPECT_TRUE(matches(negated(when), Action::kRepair, known)) << when;
    for (const auto& [before, after] : wrappings) {
      const std::string wrapped = std::string(before).append(when).append(after);
      EXPECT_FALSE(matches(wrapped, Action::kRepair, unknown)) << wrapped;
      EXPECT_TRUE(matches(wrapped, Action::kHold, unknown)) << wrapped;
      EXPECT_TRUE(matches(wrapped, Action::kObserve, unknown)) << wrapped;
    }
  }
}

TEST(PolicyUnknown, DoesNotMatterWhereAnotherAnswerDecides) {
  PolicyFacts facts = facts_about({file_named({"/srv/a"})});
  facts.owners[0].attributes.reset();
  const struct {
    std::string when;
    bool answer;
  } cases[] = {
      {R"({"uid": 5, "owner": "free"})", false},
      {R"({"any": [{"uid": 5}, {"owner": "file"}]})", true},
      {R"({"not": {"uid": 5, "owner": "free"}})", true},
      {R"({"not": {"any": [{"uid": 5}, {"owner": "file"}]}})", false},
  };
  for (const auto& [when, answer] : cases) {
    for (const Action action : {Action::kRepair, Action::kHold, Action::kObserve}) {
      EXPECT_EQ(matches(when, action, facts), answer) << when << to_string(action);
    }
  }
}

TEST(PolicyUnknown, NoOwnersAreOneUnknownOwner) {
  const PolicyFacts facts = facts_about({});
  EXPECT_FALSE(matches(R"({"owner": "file"})", Action::kRepair, facts));
  EXPECT_TRUE(matches(R"({"owner": "file"})", Action::kHold, facts));
  EXPECT_TRUE(matches(R"({"path": "/x"})", Action::kHold, facts));
  EXPECT_TRUE(matches(R"({"owner": "unknown"})", Action::kObserve, facts));
}

TEST(PolicyUnknown, AnUnknownOwnerIsWhatARuleCanAskFor) {
  const PolicyFacts unknown = facts_about({owner_of_kind(OwnerKind::kUnknown)});
  const PolicyFacts file = facts_about({file_named({"/srv/a"})});
  for (const Action action : {Action::kRepair, Action::kHold, Action::kObserve}) {
    EXPECT_TRUE(matches(R"({"owner": ["unknown", "raw"]})", action, unknown));
    EXPECT_FALSE(matches(R"({"not": {"owner": "unknown"}})", action, unknown));
    EXPECT_FALSE(matches(R"({"owner": "unknown"})", action, file));
    EXPECT_TRUE(matches(R"({"not": {"owner": "unknown"}})", action, file));
  }
}

struct NamesCase {
  std::string when;
  bool repair;
  bool hold;
};

TEST(PolicyNames, RepairNeedsAllOfThemHoldAndObserveOne) {
  const PolicyFacts facts = facts_about({file_named({"/a/x", "/b/x"})});
  const NamesCase cases[] = {
      {R"({"path": "/a/**"})", false, true},
      {R"({"path": ["/a/**", "/b/**"]})", true, true},
      {R"({"path": "/**"})", true, true},
      {R"({"path": "/c/**"})", false, false},
      {R"({"not": {"path": "/a/**"}})", false, true},
      {R"({"not": {"path": "/c/**"}})", true, true},
      {R"({"not": {"path": ["/a/**", "/b/**"]}})", false, false},
      {R"({"not": {"not": {"path": "/a/**"}}})", false, true},
      {R"({"any": [{"path": "/a/**"}, {"path": "/b/**"}]})", true, true},
      {R"({"any": [{"path": "/a/**"}, {"path": "/c/**"}]})", false, true},
      {R"({"not": {"any": [{"path": "/c/**"}, {"path": "/b/**"}]}})", false, true},
      {R"({"path": "/a/**", "not": {"path": "/a/**"}})", false, false},
  };
  for (const auto& [when, repair, hold] : cases) {
    EXPECT_EQ(matches(when, Action::kRepair, facts), repair) << when;
    EXPECT_EQ(matches(when, Action::kHold, facts), hold) << when;
    EXPECT_EQ(matches(when, Action::kObserve, facts), hold) << when;
  }
}

TEST(PolicyNames, NamesThatWereNotFoundMayBeAnywhere) {
  Owner file = file_named({"/a/x"});
  file.all_names = false;
  const PolicyFacts facts = facts_about({file});
  EXPECT_FALSE(matches(R"({"path": "/a/**"})", Action::kRepair, facts));
  EXPECT_FALSE(matches(R"({"path": "/**"})", Action::kRepair, facts));
  EXPECT_FALSE(matches(R"({"not": {"path": "/b/**"}})", Action::kRepair, facts));
  EXPECT_TRUE(matches(R"({"path": "/b/**"})", Action::kHold, facts));
  EXPECT_TRUE(matches(R"({"not": {"path": "/a/**"}})", Action::kHold, facts));
  EXPECT_TRUE(matches(R"({"uid": 1000})", Action::kRepair, facts));
}

TEST(PolicyNames, AFileWithNoNameLeftIsOneOfUnknownName) {
  const PolicyFacts facts = facts_about({file_named({})});
  EXPECT_FALSE(matches(R"({"path": "/**"})", Action::kRepair, facts));
  EXPECT_FALSE(matches(R"({"not": {"path": "/a/**"}})", Action::kRepair, facts));
  EXPECT_TRUE(matches(R"({"path": "/a/**"})", Action::kHold, facts));
}

TEST(PolicyOwners, RepairNeedsAllOfThemHoldAndObserveOne) {
  Owner first = file_named({"/a/x"});
  Owner second = file_named({"/b/y"});
  second.attributes->uid = 0;
  const PolicyFacts facts = facts_about({first, second});
  const NamesCase cases[] = {
      {R"({"uid": 1000})", false, true},
      {R"({"uid": [0, 1000]})", true, true},
      {R"({"path": "/a/**", "uid": 0})", false, false},  // no single file is both
      {R"({"path": "/b/**", "uid": 0})", false, true},
      {R"({"any": [{"path": "/a/**", "uid": 1000}, {"path": "/b/**", "uid": 0}]})", true, true},
      {R"({"not": {"uid": 0}})", false, true},
      {R"({"not": {"uid": 5}})", true, true},
  };
  for (const auto& [when, repair, hold] : cases) {
    EXPECT_EQ(matches(when, Action::kRepair, facts), repair) << when;
    EXPECT_EQ(matches(when, Action::kHold, facts), hold) << when;
  }
}

TEST(PolicyOwners, OneUnknownAmongThemIsEnoughToKeepARepairAway) {
  const PolicyFacts facts = facts_about({file_named({"/a/x"}), owner_of_kind(OwnerKind::kUnknown)});
  EXPECT_FALSE(matches(R"({"owner": "file"})", Action::kRepair, facts));
  EXPECT_FALSE(matches(R"({"path": "/a/**"})", Action::kRepair, facts));
  EXPECT_TRUE(matches(R"({"path": "/z/**"})", Action::kHold, facts));
}

TEST(PolicyGuards, RecurrencesAndPhantomsNeedARepairRuleThatNamesThem) {
  PolicyFacts plain = facts_about({file_named({"/srv/a"})});
  PolicyFacts recurrence = plain;
  recurrence.recurrence = true;
  PolicyFacts phantom = plain;
  phantom.phantom = true;
  EXPECT_TRUE(matches("{}", Action::kRepair, plain));
  EXPECT_FALSE(matches("{}", Action::kRepair, recurrence));
  EXPECT_FALSE(matches("{}", Action::kRepair, phantom));
  EXPECT_FALSE(matches(R"({"phantom": false})", Action::kRepair, recurrence));
  EXPECT_TRUE(matches("{}", Action::kHold, recurrence));
  EXPECT_TRUE(matches("{}", Action::kObserve, phantom));
  EXPECT_TRUE(matches(R"({"recurrence": true})", Action::kRepair, recurrence));
  EXPECT_TRUE(matches(R"({"any": [{"recurrence": true}, {"uid": 7}]})", Action::kRepair, recurrence));
  EXPECT_TRUE(matches(R"({"phantom": true})", Action::kRepair, phantom));
}

TEST(PolicyGuards, TheKeyAloneIsNotEnoughItMustBeWhatMakesTheRuleMatch) {
  PolicyFacts again = facts_about({file_named({"/srv/a"})});
  again.recurrence = true;
  const std::vector<std::pair<const char*, bool>> cases = {
      {R"({"uid": 1000, "recurrence": true})", true},
      {R"({"any": [{"uid": 0}, {"uid": 1000, "recurrence": true}]})", true},
      {R"({"any": [{"any": [{"recurrence": true}]}, {"uid": 0}]})", true},
      {R"({"not": {"recurrence": false}})", true},
      {R"({"any": [{"not": {"recurrence": false, "uid": 1000}}]})", true},
      {R"({"recurrence": false})", false},
      {R"({"not": {"recurrence": true}})", false},
      {R"({"any": [{"recurrence": false}, {"uid": 1000}]})", false},  // the key is there, and another one matches
      {R"({"any": [{"recurrence": true, "uid": 0}, {"uid": 1000}]})", false},
      {R"({"not": {"recurrence": true, "uid": 0}})", false},
      {R"({"not": {"any": [{"recurrence": false}, {"uid": 0}]}})", false},  // too clever to be sure it is meant
  };
  for (const auto& [when, expected] : cases) {
    EXPECT_EQ(matches(when, Action::kRepair, again), expected) << when;
    PolicyFacts phantom = again;
    phantom.recurrence = false;
    phantom.has_ars = true;
    phantom.phantom = true;
    std::string of_phantom = when;
    for (std::size_t at = 0; (at = of_phantom.find("recurrence", at)) != std::string::npos;) {
      of_phantom.replace(at, 10, "phantom");
    }
    EXPECT_EQ(matches(of_phantom, Action::kRepair, phantom), expected) << of_phantom;
  }
}

TEST(PolicyGuards, EveryNameOfEveryOwnerHasToMatchByARuleThatSaysSo) {
  PolicyFacts again = facts_about({file_named({"/srv/a", "/home/b"})});
  again.recurrence = true;
  EXPECT_TRUE(matches(R"({"recurrence": true, "path": ["/srv/*", "/home/*"]})", Action::kRepair, again));
  EXPECT_FALSE(
      matches(R"({"any": [{"recurrence": true, "path": "/srv/*"}, {"path": "/home/*"}]})", Action::kRepair, again));
}

TEST(PolicyGuards, WhereThereAreNoRecordsNothingIsAPhantom) {
  PolicyFacts facts = facts_about({file_named({"/srv/a"})});
  facts.phantom.reset();
  EXPECT_TRUE(matches("{}", Action::kRepair, facts));
  EXPECT_TRUE(matches(R"({"phantom": false})", Action::kRepair, facts));
  EXPECT_FALSE(matches(R"({"phantom": true})", Action::kHold, facts));
}

TEST(PolicyGuards, WhereRecordsCouldTellAndDoNotARuleThatAsksDoesNotRepair) {
  PolicyFacts facts = facts_about({file_named({"/srv/a"})});
  facts.has_ars = true;
  facts.phantom.reset();
  EXPECT_TRUE(matches("{}", Action::kRepair, facts)) << "a machine check comes before any scrub";
  for (const char* when : {R"({"phantom": false})", R"({"phantom": true})", R"({"not": {"phantom": true}})"}) {
    EXPECT_FALSE(matches(when, Action::kRepair, facts)) << when;
  }
  EXPECT_TRUE(matches(R"({"phantom": true})", Action::kHold, facts));
}

}  // namespace
}  // namespace pmend
