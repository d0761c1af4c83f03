import { allFaults, runFaults } from "../support/reference-faults.ts";

runFaults("seed", allFaults);
