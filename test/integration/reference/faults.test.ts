import { quickFaults, runFaults } from "../../support/reference-faults.ts";

// The whole table is a slow fault test.
runFaults("seed", quickFaults);
runFaults("head", quickFaults);
