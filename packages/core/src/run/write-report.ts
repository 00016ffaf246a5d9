import { join } from 'node:path';
import { attempt } from './attempt.ts';
import type { RunContents } from './contents.ts';
import { curvesSvg } from './curves-plot.ts';
import { drawPlots, evaluationPlots } from './evaluation-plots.ts';
import { runFiles } from './record.ts';
import { reportHtml } from './report/index.ts';
import { type RunFiles, writeFiles } from './write-files.ts';

/**
 * Draws the plots of a run and writes its report. What fails is left out, with a warning.
 *
 * @param files of the run that are written already
 * @returns the files that were written now
 * @throws `signal.reason` where aborted
 */
export async function writeRunReport(
  folder: string,
  contents: RunContents,
  files: RunFiles,
): Promise<RunFiles> {
  const { record, history, evaluation, pictures: makePictures } = contents;
  const plots = await drawPlots(
    {
      curves: () => curvesSvg(history, record.result.keptEpoch),
      ...evaluationPlots(evaluation, record.classes),
    },
    contents,
  );
  const written: RunFiles = {};
  const write = async (what: string, name: string, content: () => string) => {
    const make = async () => writeFiles(folder, [[name, content()]]);
    Object.assign(written, await attempt(`${what} ${join(folder, name)}`, make, contents));
  };
  for (const [name, svg] of Object.entries(plots)) {
    if (svg === undefined) continue;
    await write('The plot', runFiles[`${name as keyof typeof plots}Plot`], () => svg);
  }
  const pictures =
    makePictures && (await attempt('A picture of a mistake', makePictures, contents));
  await write('The report', runFiles.report, () =>
    reportHtml({
      ...contents,
      pictures: pictures ?? new Map(),
      files: { ...files, ...written },
      plots,
    }),
  );
  return written;
}
