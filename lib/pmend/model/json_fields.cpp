// SPDX-License-Identifier: Apache-2.0
#include "pmend/model/json_fields.hpp"

#include "pmend/base/text.hpp"

#include <utility>

namespace pmend {

std::string to_text(const std::string& text) {
  return is_utf8(text) ? text : escape_bytes(text);
}

Json to_json(WallTime time) {
  return to_rfc3339(time);
}

Json to_json(const ByteRange& range) {
  FieldWriter writer;
  writer.range("offset", "length", range);
  return writer.take();
}

void read_json(const JsonReader& in, std::string& text) {
  text = in.string();
}

void read_json(const JsonReader& in, WallTime& time) {
  if (const auto parsed = from_rfc3339(in.is_string() ? in.string() : std::string())) {
    time = *parsed;
  } else {
    in.expected("a time like \"2026-11-22T09:00:00Z\"");
  }
}

void read_json(const JsonReader& in, ByteRange& range) {
  FieldReader reader(in);
  reader.range("offset", "length", range);
  reader.finish();
}

void FieldWriter::put(const char* key, Json value) {
  object_.emplace(key, std::move(value));
}

void FieldWriter::bytes(const char* key, const char* base64_key, const std::string& value) {
  const std::string text = escape_bytes(value);
  put(key, text);
  if (text != value) {
    put(base64_key, to_base64(value));
  }
}

void FieldWriter::range(const char* offset_key, const char* length_key, const ByteRange& value) {
  put(offset_key, value.offset);
  put(length_key, value.length);
}

void FieldWriter::raw(const char* key, const std::optional<Json>& value) {
  if (value) {
    put(key, *value);
  }
}

namespace {

// The text as it stands, where no bytes are given beside it.
std::string plain_text(const JsonReader& text, std::string_view base64_key) {
  std::string value = text.string();
  if (escape_bytes(value) != value) {
    text.problem("is escaped, expected the bytes in " + std::string(base64_key));
  }
  return value;
}

std::string exact_bytes(const JsonReader& text, const JsonReader& base64) {
  auto value = from_base64(base64.string());
  if (!value) {
    base64.expected("base64");
    return {};
  }
  const std::string escaped = escape_bytes(*value);
  if (escaped != text.string() || escaped == *value) {
    base64.problem("does not go with the text, which must be these bytes escaped");
  }
  return *value;
}

void read_sha256(const JsonReader& in, std::string& value) {
  value = in.is_string() ? in.string() : std::string();
  if (!is_sha256_hex(value)) {
    in.expected("64 lower-case hex digits");
  }
}

}  // namespace

void FieldReader::bytes(const char* key, const char* base64_key, std::string& value) {
  const auto text = object_.required(key);
  const auto base64 = object_.optional(base64_key);
  if (text) {
    value = base64 ? exact_bytes(*text, *base64) : plain_text(*text, base64_key);
  }
}

void FieldReader::range(const char* offset_key, const char* length_key, ByteRange& value) {
  const auto offset = object_.required(offset_key);
  const auto length = object_.required(length_key);
  if (!offset || !length) {
    return;
  }
  const auto range = make_byte_range(offset->u64(), length->u64(1));
  if (range) {
    value = *range;
  } else {
    length->problem(range.error().what);
  }
}

void FieldReader::sha256(const char* key, std::string& value) {
  if (const auto member = object_.required(key)) {
    read_sha256(*member, value);
  }
}

void FieldReader::sha256(const char* key, std::optional<std::string>& value) {
  if (const auto member = object_.required(key); member && !member->is_null()) {
    read_sha256(*member, value.emplace());
  }
}

void FieldReader::raw(const char* key, Json& value) {
  if (const auto member = object_.required(key)) {
    JsonObjectReader must_be_object(*member);
    value = member->value();
  }
}

void FieldReader::raw(const char* key, std::optional<Json>& value) {
  if (object_.has(key)) {
    raw(key, value.emplace());
  }
}

void FieldReader::constant(const char* key, const Json& value) {
  if (const auto member = object_.required(key); member && member->value() != value) {
    member->expected(value.dump());
  }
}

}  // namespace pmend
