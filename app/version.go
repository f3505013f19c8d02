package app

import (
	"runtime/debug"
	"strings"
)

// Version is the release that this build is of.
const Version = "0.1.0"

// Build is the version and, where the program was built from a checkout, the revision.
func Build() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return Version
	}
	return describeBuild(info.Settings)
}

func describeBuild(settings []debug.BuildSetting) string {
	of := map[string]string{}
	for _, s := range settings {
		of[s.Key] = s.Value
	}
	revision := of["vcs.revision"]
	if revision == "" {
		return Version
	}
	revision = revision[:min(len(revision), 12)]
	if of["vcs.modified"] == "true" {
		revision += ", modified"
	}
	day, _, _ := strings.Cut(of["vcs.time"], "T")
	if day != "" {
		day = ", " + day
	}
	return Version + " (" + revision + day + ")"
}
