// What may be opened large, made ready once something is.

import { LargeEdit } from "./edit.js";
import { Large } from "./large.js";

export const opened = { Large, LargeEdit };
