import { allFaults, runFaults } from "../support/reference-faults.ts";

runFaults("head", allFaults);
