// SPDX-License-Identifier: Apache-2.0
#include "bus/dict.hpp"

#include "bus/names.hpp"
#include "pmend/base/text.hpp"
#include "pmend/model/file_path.hpp"
#include "pmend/model/json_reader.hpp"

#include <sdbus-c++/sdbus-c++.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace pmend::bus {
namespace {

using Json = nlohmann::json;

// The bytes, if this object is a file name.
std::optional<std::string> file_name(const Json& value) {
  if (!value.is_object() || !value.contains("text") || value.size() > 2) {
    return std::nullopt;
  }
  const auto path = from_json<FilePath>(value);
  return path ? std::optional(path->bytes) : std::nullopt;
}

bool is_natural(const Json& value) {
  const auto* number = value.get_ptr<const Json::number_integer_t*>();
  return value.is_number_unsigned() || (number != nullptr && *number >= 0);
}

std::string signature_of(const Json& value);

std::string element_signature(const Json::array_t& list) {
  std::string common;
  for (const Json& element : list) {
    if (element.is_null()) {
      continue;
    }
    const std::string signature = signature_of(element);
    if (!common.empty() && signature != common) {
      return "v";
    }
    common = signature;
  }
  const bool has_own_type = common == "s" || common == "t" || common == "ay" || common == "a{sv}";
  return has_own_type ? common : "v";
}

std::string signature_of(const Json& value) {
  if (const auto* list = value.get_ptr<const Json::array_t*>()) {
    return "a" + element_signature(*list);
  }
  if (value.is_object()) {
    return file_name(value) ? "ay" : "a{sv}";
  }
  if (value.is_boolean()) {
    return "b";
  }
  if (value.is_number_integer()) {
    return is_natural(value) ? "t" : "x";
  }
  return value.is_number_float() ? "d" : "s";
}

void write_value(sdbus::Message& message, const Json& value, const std::string& signature);

void write_variant(sdbus::Message& message, const Json& value) {
  const std::string signature = signature_of(value);
  message.openVariant(signature);
  write_value(message, value, signature);
  message.closeVariant();
}

void write_object(sdbus::Message& message, const Json::object_t& members) {
  message.openContainer("{sv}");
  for (const auto& [key, value] : members) {
    if (value.is_null()) {
      continue;
    }
    message.openDictEntry("sv");
    message << key;
    write_variant(message, value);
    message.closeDictEntry();
  }
  message.closeContainer();
}

void write_array(sdbus::Message& message, const Json::array_t& list, const std::string& element) {
  message.openContainer(element);
  for (const Json& value : list) {
    if (value.is_null()) {
      continue;
    }
    if (element == "v") {
      write_variant(message, value);
    } else {
      write_value(message, value, element);
    }
  }
  message.closeContainer();
}

void write_bytes(sdbus::Message& message, const std::string& bytes) {
  message << std::vector<std::uint8_t>(bytes.begin(), bytes.end());
}

void write_value(sdbus::Message& message, const Json& value, const std::string& signature) {
  if (const auto* list = value.get_ptr<const Json::array_t*>()) {
    write_array(message, *list, signature.substr(1));
  } else if (const auto* members = value.get_ptr<const Json::object_t*>()) {
    if (signature == "ay") {
      write_bytes(message, file_name(value).value_or(std::string()));
    } else {
      write_object(message, *members);
    }
  } else if (const auto* flag = value.get_ptr<const Json::boolean_t*>()) {
    message << *flag;
  } else if (const auto* natural = value.get_ptr<const Json::number_unsigned_t*>()) {
    message << *natural;
  } else if (const auto* whole = value.get_ptr<const Json::number_integer_t*>()) {
    if (signature == "t") {
      message << static_cast<std::uint64_t>(*whole);
    } else {
      message << *whole;
    }
  } else if (const auto* real = value.get_ptr<const Json::number_float_t*>()) {
    message << *real;
  } else if (const auto* text = value.get_ptr<const Json::string_t*>()) {
    message << bus_text(*text);
  }
}

template <class T>
T read_as(sdbus::Message& message) {
  T value{};
  message >> value;
  return value;
}

[[noreturn]] void refuse(const std::string& signature) {
  throw sdbus::Error(kErrorInvalid, "a value of type '" + signature + "' has no place in a dictionary of pmend");
}

Json read_value(sdbus::Message& message, const std::string& signature);

Json read_variant(sdbus::Message& message) {
  std::string type;
  std::string contents;
  message.peekType(type, contents);
  message.enterVariant(contents);
  Json value = read_value(message, contents);
  message.exitVariant();
  return value;
}

// What is inside a{sv} that was entered; leaves it.
Json read_members(sdbus::Message& message) {
  Json object = Json::object();
  while (message.enterDictEntry("sv")) {
    std::string key = read_as<std::string>(message);
    object.emplace(std::move(key), read_variant(message));
    message.exitDictEntry();
  }
  message.clearFlags();
  message.exitContainer();
  return object;
}

bool at_end(const sdbus::Message& message) {
  std::string type;
  std::string contents;
  message.peekType(type, contents);
  return type.empty() || type.front() == '\0';
}

Json read_array(sdbus::Message& message, const std::string& element) {
  Json list = Json::array();
  message.enterContainer(element);
  while (!at_end(message)) {
    list.push_back(read_value(message, element));
  }
  message.exitContainer();
  return list;
}

Json read_bytes(sdbus::Message& message) {
  const auto bytes = read_as<std::vector<std::uint8_t>>(message);
  return to_json(FilePath{std::string(bytes.begin(), bytes.end())});
}

Json read_container(sdbus::Message& message, const std::string& signature) {
  if (signature == "ay") {
    return read_bytes(message);
  }
  if (signature == "a{sv}") {
    message.enterContainer("{sv}");
    return read_members(message);
  }
  if (signature.starts_with("a{")) {
    refuse(signature);
  }
  return read_array(message, signature.substr(1));
}

Json read_value(sdbus::Message& message, const std::string& signature) {
  switch (signature.empty() ? '\0' : signature.front()) {
    case 'a':
      return read_container(message, signature);
    case 'v':
      return read_variant(message);
    case 's':
      return read_as<std::string>(message);
    case 'o':
      return std::string(read_as<sdbus::ObjectPath>(message));
    case 'g':
      return std::string(read_as<sdbus::Signature>(message));
    case 'b':
      return read_as<bool>(message);
    case 'y':
      return std::uint64_t{read_as<std::uint8_t>(message)};
    case 'q':
      return std::uint64_t{read_as<std::uint16_t>(message)};
    case 'u':
      return std::uint64_t{read_as<std::uint32_t>(message)};
    case 't':
      return read_as<std::uint64_t>(message);
    case 'n':
      return std::int64_t{read_as<std::int16_t>(message)};
    case 'i':
      return std::int64_t{read_as<std::int32_t>(message)};
    case 'x':
      return read_as<std::int64_t>(message);
    case 'd':
      return read_as<double>(message);
    default:
      refuse(signature);
  }
}

}  // namespace

Dict::Dict(nlohmann::json value) {
  if (value.is_object()) {
    json = std::move(value);
  }
}

std::string bus_text(const std::string& text) {
  const bool fits = is_utf8(text) && text.find('\0') == std::string::npos;
  return fits ? text : escape_bytes(text);
}

std::vector<std::string> bus_texts(const std::vector<std::string>& texts) {
  std::vector<std::string> result;
  result.reserve(texts.size());
  for (const std::string& text : texts) {
    result.push_back(bus_text(text));
  }
  return result;
}

sdbus::Message& operator<<(sdbus::Message& message, const Dict& dict) {
  if (const auto* members = dict.json.get_ptr<const Json::object_t*>()) {
    write_object(message, *members);
  }
  return message;
}

// At the end of an array of dictionaries there is none to enter: the message is false then, and the caller stops.
sdbus::Message& operator>>(sdbus::Message& message, Dict& dict) {
  if (message.enterContainer("{sv}")) {
    dict.json = read_members(message);
  }
  return message;
}

}  // namespace pmend::bus
