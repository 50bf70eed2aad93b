//! DBSCAN (Ester, Kriegel, Sander, Xu 1996): clusters grow from dense points; the rest is noise.

/// The cluster of each of `count` points, numbered from 0 in the order of their first points; `None` is noise.
///
/// `neighbours` returns the other points within reach of one, and a point with at least `min_points` of them is dense,
/// as in Apache Commons Math, which ALEC uses. At 1 a cluster is a connected component of at least two points.
pub fn dbscan(count: usize, min_points: usize, neighbours: impl Fn(usize) -> Vec<usize>) -> Vec<Option<usize>> {
    let mut cluster: Vec<Option<usize>> = vec![None; count];
    let mut visited = vec![false; count];
    let mut clusters = 0;
    for start in 0..count {
        if visited[start] {
            continue;
        }
        visited[start] = true;
        let mut seeds = neighbours(start);
        if seeds.len() < min_points {
            continue;
        }
        cluster[start] = Some(clusters);
        while let Some(point) = seeds.pop() {
            cluster[point].get_or_insert(clusters);
            if !std::mem::replace(&mut visited[point], true) {
                let more = neighbours(point);
                if more.len() >= min_points {
                    seeds.extend(more.into_iter().filter(|one| cluster[*one].is_none()));
                }
            }
        }
        clusters += 1;
    }
    cluster
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(points: &[f64], reach: f64, min_points: usize, expected: &[Option<usize>]) {
        let near = |from: usize| {
            (0..points.len()).filter(|one| *one != from && (points[*one] - points[from]).abs() <= reach).collect()
        };
        assert_eq!(dbscan(points.len(), min_points, near), expected, "{points:?}");
    }

    #[test]
    fn with_one_neighbour_clusters_are_connected_components() {
        check(&[], 1.0, 1, &[]);
        check(&[5.0], 1.0, 1, &[None]);
        check(&[0.0, 1.0, 2.0, 9.0, 10.0, 20.0], 1.0, 1, &[Some(0), Some(0), Some(0), Some(1), Some(1), None]);
        // The order of the points only numbers the clusters.
        check(&[10.0, 0.0, 9.0, 1.0], 1.0, 1, &[Some(0), Some(1), Some(0), Some(1)]);
    }

    #[test]
    fn a_border_point_belongs_to_a_cluster_but_reaches_nothing() {
        // 0, 1, 2 are dense in the middle only: 1 has two neighbours. 3 would need 2 to be dense.
        check(&[0.0, 1.0, 2.0, 3.5], 1.0, 2, &[Some(0), Some(0), Some(0), None]);
        check(&[0.0, 1.0, 2.0, 3.0, 4.0], 1.0, 3, &[None; 5]);
    }
}
