package backup

import "time"

// SetSilence sets how long S3 may send nothing.
func SetSilence(p Place, d time.Duration) { p.(*object).silence = d }
