// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/clock.hpp"
#include "pmend/base/ids.hpp"
#include "pmend/base/range.hpp"
#include "pmend/model/json_reader.hpp"

#include <nlohmann/json.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

// One list of fields makes both directions of a value's JSON form. In the value's source file, in namespace pmend (or
// the one of the value):
//   template <class Fields, ConstOr<Owner> T>
//   void describe(Fields& field, T& owner) {
//     field("kind", owner.kind);             // required
//     field("filesystem", owner.filesystem); // std::optional: left out when absent
//   }
//   Json to_json(const Owner& owner) { return write_fields(owner); }
//   void read_json(const JsonReader& in, Owner& owner) { read_fields(in, owner); }
namespace pmend {

// T is V or const V: one describe() serves the writer and the reader.
template <class T, class V>
concept ConstOr = std::same_as<std::remove_const_t<T>, V>;

// How the kinds of fields look in JSON. Strings are text; one that is not UTF-8 is written escaped, so what can be any
// bytes uses FieldWriter::bytes().
std::string to_text(const std::string& text);
template <std::same_as<std::string> T>  // and not what converts to one, for Json does
Json to_json(const T& text) {
  return to_text(text);
}
// RFC 3339 UTC, whole seconds.
Json to_json(WallTime time);
// {"offset": …, "length": …}
Json to_json(const ByteRange& range);
void read_json(const JsonReader& in, std::string& text);
void read_json(const JsonReader& in, WallTime& time);
// Neither empty nor past the largest file offset.
void read_json(const JsonReader& in, ByteRange& range);

template <std::same_as<bool> T>
Json to_json(T value) {
  return value;
}
template <std::same_as<bool> T>
void read_json(const JsonReader& in, T& value) {
  value = in.boolean();
}

template <std::unsigned_integral T>
requires(!std::same_as<T, bool>) Json to_json(T value) {
  return value;
}
template <std::unsigned_integral T>
requires(!std::same_as<T, bool>) void read_json(const JsonReader& in, T& value) {
  value = static_cast<T>(in.u64(0, std::numeric_limits<T>::max()));
}

template <NamedEnum E>
Json to_json(E value) {
  return std::string(to_string(value));
}
template <NamedEnum E>
void read_json(const JsonReader& in, E& value) {
  value = in.enumeration<E>();
}

template <class Tag>
Json to_json(const Id<Tag>& id) {
  return id.value;
}
// 0 names nothing and is refused.
template <class Tag>
void read_json(const JsonReader& in, Id<Tag>& id) {
  id.value = in.u64(1);
}

template <class T>
Json to_json(const std::vector<T>& list) {
  Json array = Json::array();
  for (const T& element : list) {
    array.push_back(to_json(element));
  }
  return array;
}
template <class T>
void read_json(const JsonReader& in, std::vector<T>& list) {
  list.clear();
  for (const JsonReader& element : in.array()) {
    read_json(element, list.emplace_back());
  }
}

class FieldWriter {
 public:
  template <class T>
  void operator()(const char* key, const T& value) {
    put(key, to_json(value));
  }
  template <class T>
  void operator()(const char* key, const std::optional<T>& value) {
    if (value) {
      put(key, to_json(*value));
    }
  }
  // Always there, null when absent.
  template <class T>
  void nullable(const char* key, const std::optional<T>& value) {
    put(key, value ? to_json(*value) : Json());
  }
  // Left out when it equals T{}.
  template <class T>
  void unless_default(const char* key, const T& value) {
    if (value != T{}) {
      put(key, to_json(value));
    }
  }
  // Members of a part as members of this object; its describe() is in the same source file.
  template <class T>
  void part(const T& value) {
    describe(*this, value);
  }
  // The same for a part that may be absent; it is there if `key`, its first member, is.
  template <class T>
  void part(const char* /*key*/, const std::optional<T>& value) {
    if (value) {
      describe(*this, *value);
    }
  }
  // Any bytes: `key` holds them escaped for people, `base64_key` exactly, and only where the two differ.
  void bytes(const char* key, const char* base64_key, const std::string& value);
  // Two members. Checked like ByteRange when read.
  void range(const char* offset_key, const char* length_key, const ByteRange& value);
  // 64 lower-case hex digits.
  void sha256(const char* key, const std::string& value) { put(key, to_json(value)); }
  void sha256(const char* key, const std::optional<std::string>& value) { nullable(key, value); }
  // A JSON object that somebody else reads.
  void raw(const char* key, const Json& value) { put(key, value); }
  void raw(const char* key, const std::optional<Json>& value);
  // A member that always has this value.
  void constant(const char* key, const Json& value) { put(key, value); }
  // Nothing to check when writing.
  template <class Check>
  void check(const Check& /*check*/) {}

  Json take() { return std::move(object_); }

 private:
  void put(const char* key, Json value);

  Json object_ = Json::object();
};

class FieldReader {
 public:
  explicit FieldReader(const JsonReader& in) : problems_before_(in.problem_count()), object_(in) {}

  template <class T>
  void operator()(const char* key, T& value) {
    if (const auto member = object_.required(key)) {
      read_json(*member, value);
    }
  }
  template <class T>
  void operator()(const char* key, std::optional<T>& value) {
    if (const auto member = object_.optional(key)) {
      read_json(*member, value.emplace());
    }
  }
  template <class T>
  void nullable(const char* key, std::optional<T>& value) {
    if (const auto member = object_.required(key); member && !member->is_null()) {
      read_json(*member, value.emplace());
    }
  }
  template <class T>
  void unless_default(const char* key, T& value) {
    if (const auto member = object_.optional(key)) {
      read_json(*member, value);
    }
  }
  template <class T>
  void part(T& value) {
    describe(*this, value);
  }
  template <class T>
  void part(const char* key, std::optional<T>& value) {
    if (object_.has(key)) {
      describe(*this, value.emplace());
    }
  }
  void bytes(const char* key, const char* base64_key, std::string& value);
  void range(const char* offset_key, const char* length_key, ByteRange& value);
  void sha256(const char* key, std::string& value);
  void sha256(const char* key, std::optional<std::string>& value);
  void raw(const char* key, Json& value);
  void raw(const char* key, std::optional<Json>& value);
  void constant(const char* key, const Json& value);
  // `check` gets the reader of the whole object, to add problems that are about several members. It is called only when
  // the members are right by themselves; put it last.
  template <class Check>
  void check(const Check& check) {
    if (object_.whole().problem_count() == problems_before_) {
      check(object_.whole());
    }
  }

  void finish() { object_.finish(); }

 private:
  std::size_t problems_before_;
  JsonObjectReader object_;
};

template <class T>
Json write_fields(const T& value) {
  FieldWriter writer;
  describe(writer, value);
  return writer.take();
}

template <class T>
void read_fields(const JsonReader& in, T& value) {
  FieldReader reader(in);
  describe(reader, value);
  reader.finish();
}

}  // namespace pmend
