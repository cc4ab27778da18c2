// Instead of prettier/standalone where JSON with comments is formatted: jsonc-parser,
// which GraphiQL holds anyway, does that in a fiftieth of the size.
import { applyEdits, format as edits } from 'jsonc-parser';
import * as standalone from 'prettier/standalone.mjs';

export const format = (text, options) =>
  options.parser === 'jsonc'
    ? applyEdits(text, edits(text, undefined, { insertSpaces: true, tabSize: 2 }))
    : standalone.format(text, options);
