// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string_view>

// The text form of enumerations. An enumeration E takes part by a table beside it:
//   inline constexpr std::array kColourNames = {EnumName{Colour::kRed, "red"}, …};
//   constexpr std::span<const EnumName<Colour>> enum_names(Colour) { return kColourNames; }
// The texts are lower case with hyphens; they are the words of JSON, D-Bus, the policy files and the CLI.
namespace pmend {

template <class E>
struct EnumName {
  E value;
  std::string_view name;
};
// Clang before 17 does not deduce the arguments of aggregates by itself.
template <class E>
EnumName(E, std::string_view) -> EnumName<E>;

template <class E>
concept NamedEnum = requires {
  std::span<const EnumName<E>>(enum_names(E{}));
};

template <NamedEnum E>
constexpr std::string_view to_string(E value) {
  for (const auto& entry : enum_names(value)) {
    if (entry.value == value) {
      return entry.name;
    }
  }
  return "?";
}

// Nothing where no enumerator has that name.
template <NamedEnum E>
constexpr std::optional<E> from_string(std::string_view name) {
  for (const auto& entry : enum_names(E{})) {
    if (entry.name == name) {
      return entry.value;
    }
  }
  return std::nullopt;
}

}  // namespace pmend
