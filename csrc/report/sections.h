// The sections of a run's page, each from its artifacts, or with one line that says what is missing
// and which command makes it. All throw Error naming file and field where an artifact is damaged.
#pragma once

#include "report/html.h"
#include "report/run_artifacts.h"

namespace serendip {

HtmlSection facts_section(const RunArtifacts& run);
HtmlSection claims_section(const RunArtifacts& run);      // of the experiment
HtmlSection users_section(const RunArtifacts& run);       // recommendations.json
HtmlSection pair_section(const RunArtifacts& run);        // the table, to be searched
HtmlSection cluster_section(const RunArtifacts& run);     // the tree
HtmlSection transition_section(const RunArtifacts& run);  // the heat map
HtmlSection learning_section(const RunArtifacts& run);    // figure 4a
HtmlSection evaluation_section(const RunArtifacts& run);  // eval.json
HtmlSection recommender_section(const RunArtifacts& run);
HtmlSection pipeline_section(const RunArtifacts& run);  // timings, machines, settings
HtmlSection recipe_section(const RunArtifacts& run);
HtmlSection label_section(const RunArtifacts& run);  // figure 3

}  // namespace serendip
