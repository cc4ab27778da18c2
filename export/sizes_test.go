package export

// SetSizes makes parts and pages small.
func (s *Service) SetSizes(partBytes, pageRows int) { s.partBytes, s.pageRows = partBytes, pageRows }

// SetSheetRows has workbooks begin a further sheet sooner.
func (s *Service) SetSheetRows(rows int) { s.sheetRows = rows }
