// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/engine/core.hpp"

#include <string>

// Jobs: one at a time per device and per file system, none without a durable beginning, no step without a durable
// intent, no end before the worker is gone.
namespace pmend::engine {

void on(Core& core, const StepIntent& input);
void on(Core& core, const StepFinished& input);
void on(Core& core, const JobFinished& input);
void on(Core& core, const JobRefused& input);
void on(Core& core, const WorkerGone& input);
void on(Core& core, const WorkerStuck& input);
void on(Core& core, const Inspected& input);

// Begins the queued jobs and resumes the open ones whose device and file system are free.
void start_jobs(Core& core);

// Records have become durable.
void run(Core& core, const StartRun& start);
void run(Core& core, const ProceedStep& step);

}  // namespace pmend::engine
