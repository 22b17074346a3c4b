// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/error.hpp"

#include <string>
#include <string_view>

// Globs are matched against the whole of any bytes: file names need not be UTF-8 and may hold newlines.
//   *      any bytes but slash, also none
//   **     as a whole component: any number of components, also none; at the end at least one byte
//   ?      one byte but slash
//   [a-z]  one of these bytes, [!a-z] or [^a-z] one that is not among them, never slash
//   \      takes the meaning from one of \*?[]{}!^-, and \xNN is the byte with that hex number: the escaped form in
//          which pmend shows names is a glob for them, as long as they hold no other special byte
// A dot at the start of a name is nothing special. Braces are refused, for people expect alternatives of them.
namespace pmend {

// The glob as a regular expression of RE2 for Latin-1 (one byte is one character), to be anchored at both ends.
// Errors: kInvalid; Error::what says for people what is wrong with the glob.
Result<std::string> glob_to_regex(std::string_view glob);

// True for a glob that can match an absolute path as the kernel gives it: it starts with a slash or with `**`, has no
// empty, `.` or `..` component and no slash at the end, unless it is "/" alone.
bool is_absolute_glob(std::string_view glob);

}  // namespace pmend
