// What the menus hold, made ready once one of them is opened.

import { compareMenu } from "./comparemenu.js";
import { help } from "./help.js";
import { regionMenu } from "./regionmenu.js";
import { viewMenu } from "./viewmenu.js";

export const contents = { compareMenu, help, regionMenu, viewMenu };
