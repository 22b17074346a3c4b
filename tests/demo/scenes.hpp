// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "demo/stage.hpp"

// What happens on one file system of the stage, each with what pmend is to make of it.
namespace pmend::world {

// The page cache still has what the medium lost.
void nothing_is_lost(Stage& stage, Scenery& scenery);
// 512 bytes are gone: a person is asked, and consents to one plan.
void a_person_decides(Stage& stage, Scenery& scenery);
// A rule allows a loss in a cache, but the file has a name elsewhere.
void all_names_count(Stage& stage, Scenery& scenery);
// A rule says to watch only.
void only_watched(Stage& stage, Scenery& scenery);
// A file that is open, under a rule that allows a freeze.
void somebody_uses_it(Stage& stage, Scenery& scenery);
// A reflinked block under the same rule; XFS only.
void several_files_share_it(Stage& stage, Scenery& scenery);
// What belongs to no file is named and left alone.
void nobodys_bytes(Stage& stage, Scenery& scenery);
// 200 sectors at once.
void a_burst(Stage& stage, Scenery& scenery);
// Every byte of every file, every write that the medium saw, every byte that a report calls lost.
void the_reckoning(Stage& stage, Scenery& scenery);

}  // namespace pmend::world
