import type { Selective } from '../evaluate/index.ts';
import { colours, type Plot, renderSvg } from '../page/index.ts';

const side = 300;

/**
 * The risk–coverage curve: the error of the answers, by the share of images that are answered, the
 * surest first; with what is chosen marked.
 *
 * @returns an SVG document
 */
export function coverageSvg(selective: Selective): Promise<string> {
  const { curve, coverage, error, areaUnderCurve } = selective;
  const encoding = {
    x: share('coverage', 'Coverage (share of images answered)', [0, 1]),
    y: share('error', 'Error of the answers'),
  };
  const chosen = error === null ? [] : [{ coverage, error }];
  const spec: Plot = {
    width: side,
    height: side,
    title: 'Risk and coverage',
    layer: [
      {
        data: { values: curve },
        mark: {
          type: 'line',
          interpolate: 'step-before',
          color: colours.first.light,
          strokeWidth: 2.5,
        },
        encoding,
      },
      {
        data: { values: chosen },
        mark: { type: 'circle', color: colours.second.light, size: 160, opacity: 1 },
        encoding,
      },
    ],
  };
  const percent = (value: number) => `${(100 * value).toFixed(1)} %`;
  const here =
    error === null ? 'No image is answered' : `${percent(coverage)} of the images are answered`;
  const wrong = error === null ? '' : `, ${percent(error)} of these wrongly`;
  const summary = `${here}${wrong}. The mean error over all coverages is ${percent(areaUnderCurve)}.`;
  return renderSvg(spec, 'Risk–coverage curve', summary);
}

function share(field: string, title: string, domain?: readonly number[]): Plot {
  const scale = domain ? { domain } : { zero: true };
  return { field, type: 'quantitative', scale, axis: { format: '.0%', tickCount: 5, title } };
}
