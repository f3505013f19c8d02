package app

import (
	"runtime/debug"
	"strings"
)

// Version is the version of this build.
const Version = "0.1.0"

// Build returns the version, with the revision if the program was built from a checkout.
func Build() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return Version
	}
	return describeBuild(info.Settings)
}

// revision returns the revision that the program was built from, or "".
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return ""
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
