/** Why a document cannot be read or edited; told with the name of its file by whoever knows it. */
export class Unfit extends Error {
  /** Counted from one, where one line is to blame. */
  readonly line: number | undefined;

  constructor(message: string, line?: number) {
    super(message);
    this.name = "Unfit";
    this.line = line;
  }
}
