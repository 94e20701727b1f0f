# Writes the header OUTPUT with the commit that the folder SOURCE is at, unless it says so already.
execute_process(
  COMMAND git describe --always --abbrev=12 --exclude=* "--dirty= with changes"
  WORKING_DIRECTORY ${SOURCE} OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(commit STREQUAL "")
  set(commit "unknown")  # not a checkout
endif()
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT [[
#pragma once

namespace serendip {

constexpr const char* kCommit = "@commit@";

}  // namespace serendip
]] @ONLY)
