/** The line on stdout by which the suite's client says that it did all that the scenario asks for. */
export const FINISHED = 'client finished';
