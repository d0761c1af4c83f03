import { describe, expect, it } from "vitest";
import { asLandError } from "../../../src/operations/errors.ts";

describe("what was thrown, in words", () => {
  const withCode = (code: string, words: string) => Object.assign(new Error(words), { code });

  it.each([
    [new Error("it broke."), "internal", "Something in this kit failed: it broke."],
    [new Error(" \n"), "internal", "Something in this kit failed and did not say why."],
    ["odd", "internal", "Something in this kit failed: odd."],
    [undefined, "internal", "Something in this kit failed: undefined."],
    [new DOMException("This was aborted", "AbortError"), "cancelled", "The call was cancelled."],
    [
      withCode("ENOSPC", "ENOSPC: no space left on device"),
      "unsupported",
      "This machine did not allow it: ENOSPC: no space left on device.",
    ],
  ])("%s", (thrown, code, message) => {
    const error = asLandError(thrown);
    expect(error).toMatchObject({ code, message });
    expect(error.state).toContain("stays done");
    expect(error.next).toBeTruthy();
  });
});
