import { describeClient } from "../support/client-suite.ts";

describeClient("gemini");
