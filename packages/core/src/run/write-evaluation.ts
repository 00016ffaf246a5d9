import { writeFileAtomically } from '../base/atomic-file.ts';
import type { AttemptOptions } from './attempt.ts';
import { coverageSvg } from './coverage-plot.ts';
import { drawPlots, evaluationPlots } from './evaluation-plots.ts';
import { type EvaluationReportContents, evaluationReportHtml } from './report/report.ts';

/**
 * Writes the report on a run that was measured on other data: one HTML file, whole or not at all.
 *
 * @throws HeadstartError `OUTPUT_UNWRITABLE`
 */
export async function writeEvaluationReport(
  path: string,
  contents: Omit<EvaluationReportContents, 'plots'> & AttemptOptions,
): Promise<void> {
  const { evaluation, selective, record } = contents;
  const coverage = selective && (() => coverageSvg(selective));
  const drawn = { ...evaluationPlots(evaluation, record.classes), coverage };
  const plots = await drawPlots(drawn, contents);
  await writeFileAtomically(path, evaluationReportHtml({ ...contents, plots }));
}
