// SPDX-License-Identifier: Apache-2.0
#include "pmend/model/enum_names.hpp"

#include "pmend/model/events.hpp"
#include "pmend/model/observe_verbs.hpp"
#include "pmend/model/protocol.hpp"
#include "pmend/model/repair_verbs.hpp"
#include "pmend/model/report.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace pmend {
namespace {

template <class E>
class EnumNames : public ::testing::Test {};

using AllEnums = ::testing::Types<OwnerKind, Method, RefusalState, Action, IncidentState, Outcome, StepKind, SavedFrom,
                                  protocol::Role, protocol::Verb, protocol::EventKind, protocol::ErrorCode,
                                  protocol::Fact, protocol::Listed, protocol::Readable, protocol::LockKind>;
TYPED_TEST_SUITE(EnumNames, AllEnums);

TYPED_TEST(EnumNames, NameEachEnumeratorOnceInOrder) {
  std::set<std::string_view> names;
  int position = 0;
  for (const auto& entry : enum_names(TypeParam{})) {
    EXPECT_EQ(static_cast<int>(entry.value), position++);
    EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
    EXPECT_EQ(to_string(entry.value), entry.name);
    EXPECT_EQ(from_string<TypeParam>(entry.name), entry.value);
  }
  EXPECT_EQ(to_string(static_cast<TypeParam>(position)), "?");
}

TYPED_TEST(EnumNames, AreLowerCaseWordsWithHyphens) {
  for (const auto& entry : enum_names(TypeParam{})) {
    EXPECT_FALSE(entry.name.empty());
    EXPECT_EQ(entry.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz-"), std::string_view::npos) << entry.name;
  }
  EXPECT_EQ(from_string<TypeParam>(""), std::nullopt);
}

TEST(EnumNames, HaveAllStatesAndMethodsOfTheDesign) {
  for (const char* name :
       {"detected", "observed", "planned", "decided", "observing", "held", "blocked", "queued", "repairing", "repaired",
        "failed", "stuck", "indeterminate", "unresolved", "cleared", "unobservable", "dismissed"}) {
    EXPECT_TRUE(from_string<IncidentState>(name).has_value()) << name;
  }
  EXPECT_EQ(enum_names(IncidentState{}).size(), 17U);
  for (const char* name :
       {"redirty", "exchange", "recovery-write", "rewrite", "frozen-write", "rescue", "zeroinit", "punch"}) {
    EXPECT_TRUE(from_string<Method>(name).has_value()) << name;
  }
  EXPECT_EQ(enum_names(Method{}).size(), 8U);
}

}  // namespace
}  // namespace pmend
